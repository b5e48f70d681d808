import { Injectable, Module } from '@nestjs/common';

/**
 * Whether this process is about to stop. Until its port closes it serves every call, but asks callers to come back on
 * another connection, and load balancers to send calls elsewhere.
 */
@Injectable()
export class Draining {
  private begun = false;

  get isActive(): boolean {
    return this.begun;
  }

  begin(): void {
    this.begun = true;
  }
}

@Module({ providers: [Draining], exports: [Draining] })
export class DrainingModule {}
