import { Injectable, Module } from '@nestjs/common';

/**
 * Whether this process is about to stop. Until its port closes it serves every call. But it asks callers to use another
 * connection next, and load balancers to send calls elsewhere.
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
