import { Module } from '@nestjs/common';
import { AppModule } from './app.module.js';
import { DemoModule } from './demo/demo.module.js';

/** What `npm start` runs: the service as it is, and the demo beside it. Production never loads this file. */
@Module({ imports: [AppModule, DemoModule] })
export class DevelopmentModule {}
