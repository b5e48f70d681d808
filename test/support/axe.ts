import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * Returns what axe-core finds wrong with a page, one line for each element. The script enters through the debugging
 * protocol, which no Content Security Policy concerns: the page stays as people get it.
 */
export async function findAxeViolations(page: Page): Promise<string[]> {
  await page.evaluate(`if (typeof axe === 'undefined') { ${source} }`);
  return page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html)))`);
}
