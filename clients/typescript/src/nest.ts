import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import { Cufflink, type CufflinkOptions } from './cufflink.js';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<CufflinkOptions>()
  .setClassMethodName('forRoot')
  .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
  .build();

/**
 * Makes {@link Cufflink} injectable in a Nest application: import `CufflinkModule.forRoot({ baseUrl, apiKey })` once,
 * or `forRootAsync` with a factory. Pass `isGlobal: false` to import it where it is used.
 */
@Module({
  providers: [
    {
      provide: Cufflink,
      inject: [MODULE_OPTIONS_TOKEN],
      useFactory: (options: CufflinkOptions) => new Cufflink(options),
    },
  ],
  exports: [Cufflink],
})
export class CufflinkModule extends ConfigurableModuleClass {}
