/*
 * Loaded before the program by `node --import`: puts the wall clock of the whole process forward or back. Monotonic
 * time, which timers go by, stays as it is.
 */
const offsetMs = Number(process.env.TEST_CLOCK_OFFSET_MS);
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    super(...(parts.length === 0 ? [RealDate.now() + offsetMs] : parts));
  }

  static now() {
    return RealDate.now() + offsetMs;
  }
};
