import { Injectable } from '@nestjs/common';

/** The wall clock of this process. Tests replace it; leases and backoff use the database's clock instead. */
@Injectable()
export class Clock {
  /** Returns the current instant. */
  now(): Date {
    return new Date();
  }
}
