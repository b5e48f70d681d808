/** The parts of a schema that the comparison of two OpenAPI descriptions needs, for OpenAPI 3.0 and 3.1 alike. */
export interface SchemaView {
  /** JSON types, `null` among them; empty: any. */
  readonly types: ReadonlySet<string>;
  readonly values: ReadonlySet<unknown> | undefined;
  readonly properties: ReadonlyMap<string, SchemaView>;
  readonly required: ReadonlySet<string>;
  readonly items: SchemaView | undefined;
  readonly maxLength: number;
  readonly maxItems: number;
}

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly maxLength?: number;
  readonly maxItems?: number;
}

/** Finds the schema that a reference names. */
export type Resolve = (reference: string) => unknown;

/**
 * Reads a schema. Of alternatives, a value may have the fields of any, and must have those that all of them require.
 */
export function viewOf(given: unknown, resolve: Resolve): SchemaView {
  const schema = given as Schema;
  if (schema.$ref !== undefined) {
    return viewOf(resolve(schema.$ref), resolve);
  }
  const own = ownView(schema, resolve);
  const parts = [own, ...(schema.allOf ?? []).map((part) => viewOf(part, resolve))];
  const alternatives = (schema.oneOf ?? schema.anyOf ?? []).map((part) => viewOf(part, resolve));
  const all = alternatives.length === 0 ? parts : [...parts, alternatives.reduce(either)];
  return all.reduce(both);
}

function ownView(schema: Schema, resolve: Resolve): SchemaView {
  const types = new Set([schema.type ?? []].flat());
  if (schema.nullable === true) {
    types.add('null');
  }
  const values = schema.const === undefined ? schema.enum : [schema.const];
  return {
    types,
    values: values === undefined ? undefined : new Set(values),
    properties: new Map(Object.entries(schema.properties ?? {}).map(([name, each]) => [name, viewOf(each, resolve)])),
    required: new Set(schema.required),
    items: schema.items === undefined ? undefined : viewOf(schema.items, resolve),
    maxLength: schema.maxLength ?? Infinity,
    maxItems: schema.maxItems ?? Infinity,
  };
}

function both(a: SchemaView, b: SchemaView): SchemaView {
  return { ...joined(a, b, both), required: a.required.union(b.required), values: a.values ?? b.values };
}

function either(a: SchemaView, b: SchemaView): SchemaView {
  // The alternative `null` requires nothing, and says so with its type.
  const isNull = (view: SchemaView): boolean => view.types.size === 1 && view.types.has('null');
  const required = isNull(a) ? b.required : isNull(b) ? a.required : a.required.intersection(b.required);
  const values = a.values === undefined || b.values === undefined ? undefined : a.values.union(b.values);
  return { ...joined(a, b, either), required, values };
}

function joined(
  a: SchemaView,
  b: SchemaView,
  join: (a: SchemaView, b: SchemaView) => SchemaView,
): Omit<SchemaView, 'required' | 'values'> {
  const properties = new Map(a.properties);
  for (const [name, view] of b.properties) {
    const other = properties.get(name);
    properties.set(name, other === undefined ? view : join(other, view));
  }
  return {
    types: a.types.union(b.types),
    properties,
    items: a.items === undefined || b.items === undefined ? (a.items ?? b.items) : join(a.items, b.items),
    maxLength: Math.min(a.maxLength, b.maxLength),
    maxItems: Math.min(a.maxItems, b.maxItems),
  };
}
