/** Prints, after the run, how many cases of the provider contract each provider has passed. */
export default class ContractTable {
  #cases = new Map();

  onTestResult(_test, { testResults }) {
    for (const { ancestorTitles, status } of testResults) {
      const slug = /^contract of (\S+)$/.exec(ancestorTitles[0] ?? '')?.[1];
      if (slug !== undefined) {
        const { passed, all } = this.#cases.get(slug) ?? { passed: 0, all: 0 };
        this.#cases.set(slug, { passed: passed + (status === 'passed' ? 1 : 0), all: all + 1 });
      }
    }
  }

  onRunComplete() {
    if (this.#cases.size === 0) {
      return;
    }
    const rows = [...this.#cases].sort(([left], [right]) => (left < right ? -1 : 1));
    const total = rows.reduce((sum, [, { all }]) => sum + all, 0);
    const lines = rows.map(([slug, { passed, all }]) => `  ${slug.padEnd(20)} ${String(passed).padStart(3)} of ${all}`);
    process.stderr.write(`\nProvider contract: ${rows.length} providers, ${total} cases\n${lines.join('\n')}\n`);
  }
}
