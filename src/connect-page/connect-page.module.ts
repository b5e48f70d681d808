import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { RateLimitsModule } from '../access/rate-limits.module.js';
import { linksConfig } from '../links/links.config.js';
import { LinksModule } from '../links/links.module.js';
import { ConnectPageController } from './connect-page.controller.js';

@Module({
  imports: [ConfigModule.forFeature(linksConfig), LinksModule, RateLimitsModule],
  controllers: [ConnectPageController],
})
export class ConnectPageModule {}
