import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { huaweiHealthKitDefinition } from './huawei-health-kit.definition.js';

/** Huawei Health Kit: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class HuaweiHealthKitModule extends OAuth2ProviderModule(huaweiHealthKitDefinition) {}
