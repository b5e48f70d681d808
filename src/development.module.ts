import { Module } from '@nestjs/common';
import { AppModule } from './app.module.js';
import { DemoModule } from './demo/demo.module.js';

/** The root module of `npm start`: the service, and the demo beside it. Production never loads this file. */
@Module({ imports: [AppModule, DemoModule] })
export class DevelopmentModule {}
