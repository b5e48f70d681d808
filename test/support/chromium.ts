import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';

const run = promisify(execFile);
const onlyThisMachine = '~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1';
const printPath = `import chromium from '@sparticuz/chromium'; process.stdout.write(await chromium.executablePath());`;

/** Chromium, unpacked for one test file. */
export class TestChromium {
  private constructor(
    readonly browser: Browser,
    private readonly directory: string,
  ) {}

  /**
   * Unpacks and starts the browser, which takes some seconds.
   *
   * @param httpsPort - port of this machine that every host name and port leads to; if absent, the browser reaches
   *   this machine alone, as it is
   */
  static async start(httpsPort?: number): Promise<TestChromium> {
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-chromium-'));
    try {
      // In a process of its own: it is unpacked into the temporary folder, and the one of all users may hold another
      // account's.
      const env = { ...process.env, TMPDIR: directory, NODE_OPTIONS: '' };
      const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', printPath], { env });
      // Its own sandbox needs rights that a container does not give. It opens pages of this machine only.
      const args = [
        '--no-sandbox',
        '--no-zygote',
        '--disable-gpu',
        `--host-resolver-rules=MAP * ${httpsPort === undefined ? onlyThisMachine : `127.0.0.1:${httpsPort}`}`,
      ];
      return new TestChromium(await chromium.launch({ executablePath: stdout, args }), directory);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}
