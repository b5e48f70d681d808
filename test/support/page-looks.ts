import { mkdir } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { findAxeViolations } from './axe.js';

const folder = new URL('../../.screenshots/', import.meta.url);

const isDrawn = process.env['SCREENSHOTS'] === 'on';

/** How people look at pages: a phone and a desktop, in light and dark. Each of the four where pictures are drawn. */
const looks = [
  { width: 390, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
  ...(isDrawn
    ? ([
        { width: 390, colorScheme: 'dark' },
        { width: 1280, colorScheme: 'light' },
      ] as const)
    : []),
] as const;

/**
 * Looks at a page as people do, and returns what is wrong: findings of axe-core, and content wider than the screen,
 * down to 320 px. With `SCREENSHOTS=on` it looks twice as often and draws pictures into `.screenshots/`.
 */
export async function findFlaws(page: Page, name: string): Promise<string[]> {
  const flaws: string[] = [];
  for (const { width, colorScheme } of looks) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    const violations = await findAxeViolations(page);
    flaws.push(...violations.map((violation) => `${name} at ${width} px, ${colorScheme}: ${violation}`));
    if (isDrawn) {
      await mkdir(folder, { recursive: true });
      const path = new URL(`${name}-${width}-${colorScheme}.png`, folder).pathname;
      await page.screenshot({ path, fullPage: true });
    }
  }
  await page.setViewportSize({ width: 320, height: 800 });
  const widest = await page.evaluate<number>('document.documentElement.scrollWidth');
  return widest > 320 ? [...flaws, `${name} is ${widest} px wide on a screen of 320 px`] : flaws;
}
