import inspector from 'node:inspector';

/**
 * Import this first in every entry point. Node opens its inspector on SIGUSR1, without any flag. Anyone who reaches
 * that port can read every key in memory (CR-17). A production process ignores the signal. Elsewhere it still opens the
 * inspector. The flag `--disable-sigusr1` of the npm scripts covers the moment before this line.
 */
process.on('SIGUSR1', () => {
  if (process.env['NODE_ENV'] !== 'production' && inspector.url() === undefined) {
    inspector.open();
  }
});
