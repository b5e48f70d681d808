import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { RateLimitsModule } from '../access/rate-limits.module.js';
import { linksConfig } from '../links/links.config.js';
import { LinksModule } from '../links/links.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { WebModule } from '../web/web.module.js';
import { ConnectPageController } from './connect-page.controller.js';
import { Devices } from './devices.js';
import { LogoController } from './logo.controller.js';
import { Notices } from './notices.js';

@Module({
  imports: [
    ConfigModule.forFeature(linksConfig),
    LinksModule,
    ProviderKitModule,
    RateLimitsModule,
    TokensModule,
    WebModule,
  ],
  controllers: [LogoController, ConnectPageController],
  providers: [Devices, Notices],
})
export class ConnectPageModule {}
