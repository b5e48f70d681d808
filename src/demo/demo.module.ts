import { Module } from '@nestjs/common';
import { CufflinkApi } from './cufflink-api.js';
import { DemoActions } from './demo-actions.js';
import { DemoPlace } from './demo-place.js';
import { DemoController } from './demo.controller.js';
import { SandboxControl } from './sandbox-control.js';

/** The demo, which only `npm start` has. */
@Module({
  controllers: [DemoController],
  providers: [CufflinkApi, DemoActions, DemoPlace, SandboxControl],
})
export class DemoModule {}
