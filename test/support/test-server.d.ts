export function createUndistributed(nodes: readonly string[], name: string): Promise<string>;
export function closeDatabase(nodes: readonly string[], name: string): Promise<void>;
export function withDatabase(server: string, name: string): string;
