import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { linksConfig } from '../links/links.config.js';
import { LinksModule } from '../links/links.module.js';
import { ConnectPageController } from './connect-page.controller.js';

@Module({ imports: [ConfigModule.forFeature(linksConfig), LinksModule], controllers: [ConnectPageController] })
export class ConnectPageModule {}
