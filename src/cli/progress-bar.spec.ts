import { describe, expect, it } from '@jest/globals';
import { ProgressBar } from './progress-bar.js';

function record(isTTY: boolean): { bar: ProgressBar; written: string[]; advance: (ms: number) => void } {
  const written: string[] = [];
  let now = 0;
  const output = { isTTY, write: (text: string) => written.push(text) };
  return { bar: new ProgressBar(output, () => now), written, advance: (ms) => (now += ms) };
}

describe('ProgressBar', () => {
  it('draws one changing line on a terminal, and ends it', () => {
    const { bar, written } = record(true);
    bar.show(0, 200, 'none');
    bar.show(100, 200, 'half');
    bar.show(300, 200, 'all');
    bar.end();
    expect(written).toEqual([
      `\r[${'-'.repeat(30)}]   0 %  none\u001b[K`,
      `\r[${'#'.repeat(15)}${'-'.repeat(15)}]  50 %  half\u001b[K`,
      `\r[${'#'.repeat(30)}] 100 %  all\u001b[K`,
      '\n',
    ]);
  });

  it('writes whole lines into a file, the first at once and then one in five seconds', () => {
    const { bar, written, advance } = record(false);
    bar.show(0, 0, 'nothing to do');
    bar.show(1, 4, 'too early');
    advance(5_000);
    bar.show(1, 4, 'on time');
    bar.end();
    expect(written).toEqual(['100 %  nothing to do\n', ' 25 %  on time\n']);
  });
});
