import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { CompanyPages } from './company-pages.js';
import { companyConfig } from './company.config.js';

@Module({
  imports: [ConfigModule.forFeature(companyConfig)],
  providers: [CompanyPages],
  exports: [CompanyPages, ConfigModule],
})
export class WebModule {}
