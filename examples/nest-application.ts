/** A Nest application that links a user's device, confirms the link and reads data of the device. */
import 'reflect-metadata';
import { Cufflink, CufflinkError } from '@cufflink/client';
import { CufflinkModule } from '@cufflink/client/nest';
import {
  BadGatewayException,
  ConflictException,
  Controller,
  ForbiddenException,
  Get,
  Headers,
  Injectable,
  Module,
  Param,
  Post,
  Query,
  Redirect,
  UnauthorizedException,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

const { CUFFLINK_URL = 'http://localhost:3000', CUFFLINK_API_KEY = '', PORT = '8080' } = process.env;
// Register it in RETURN_URLS of Cufflink.
const returnUrl = `http://localhost:${PORT}/devices/return`;

@Injectable()
export class DevicesService {
  constructor(private readonly cufflink: Cufflink) {}

  async connect(user: string, provider: string): Promise<string> {
    const terms = { return_url: returnUrl, require_confirmation: true };
    return (await this.cufflink.links.create(user, provider, terms)).link_web_url;
  }

  /** @param query - the parameters that the browser has brought to the return URL */
  async finish(user: string, query: Readonly<Record<string, string>>): Promise<object> {
    try {
      return await this.cufflink.links.complete(new URLSearchParams(query), user);
    } catch (error) {
      if (CufflinkError.is(error, 'LINK_USER_MISMATCH')) {
        throw new ForbiddenException('This link was made for somebody else. Nothing was connected.');
      }
      throw error;
    }
  }

  async recentCycles(user: string): Promise<unknown> {
    try {
      const response = await this.cufflink.proxy(user, 'whoop').fetch('/cycle?limit=10');
      if (!response.ok) {
        throw new BadGatewayException(`WHOOP responded with ${response.status}.`);
      }
      return await response.json();
    } catch (error) {
      if (CufflinkError.is(error, 'CONNECTION_NOT_FOUND', 'TOKEN_REVOKED')) {
        throw new ConflictException('Please connect WHOOP.');
      }
      throw error;
    }
  }
}

@Controller('devices')
export class DevicesController {
  constructor(private readonly devices: DevicesService) {}

  @Post(':provider')
  @Redirect()
  async connect(@Headers('cookie') cookie: string, @Param('provider') provider: string): Promise<object> {
    return { url: await this.devices.connect(signedInUser(cookie), provider), statusCode: 303 };
  }

  @Get('return')
  finish(@Headers('cookie') cookie: string, @Query() query: Record<string, string>): Promise<object> {
    // The user of the session confirms the link. A link that was forwarded to somebody else then connects nothing.
    return this.devices.finish(signedInUser(cookie), query);
  }

  @Get('whoop/cycles')
  cycles(@Headers('cookie') cookie: string): Promise<unknown> {
    return this.devices.recentCycles(signedInUser(cookie));
  }
}

/** In place of your own sign-in: reads who is signed in from a session that your application has made. */
function signedInUser(cookie = ''): string {
  const user = /(?:^|; )example-user=([\w-]+)/.exec(cookie)?.[1];
  if (user === undefined) {
    throw new UnauthorizedException();
  }
  return user;
}

@Module({
  imports: [CufflinkModule.forRoot({ baseUrl: CUFFLINK_URL, apiKey: CUFFLINK_API_KEY })],
  controllers: [DevicesController],
  providers: [DevicesService],
})
export class ExampleModule {}

const app = await NestFactory.create(ExampleModule, new FastifyAdapter(), { logger: ['error'] });
await app.listen(Number(PORT), 'localhost');
process.stdout.write(`Listening on http://localhost:${PORT}\n`);
