import { Injectable } from '@nestjs/common';

/** The address of the demo, and its credentials. */
export interface DemoSettings {
  /** Of the service, as browsers of this machine reach it. */
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly sandboxUrl: string;
}

/** Holds the settings of the demo, which are known once the service listens. */
@Injectable()
export class DemoPlace {
  #settings: DemoSettings | undefined;

  open(settings: DemoSettings): void {
    this.#settings = settings;
  }

  /** Tells whether a request is for the demo's own address. */
  isHost(host: string | undefined): boolean {
    return this.#settings !== undefined && host === new URL(this.#settings.apiUrl).host;
  }

  /** @throws Error before the service listens */
  get(): DemoSettings {
    if (this.#settings === undefined) {
      throw new Error('The demo is not open yet.');
    }
    return this.#settings;
  }
}
