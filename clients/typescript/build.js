import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

// `npm pack` runs this: the same source as ES modules and as CommonJS. The declarations are the same text for both.
process.chdir(import.meta.dirname);
rmSync('dist', { recursive: true, force: true });

const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: report };
const config = ts.getParsedCommandLineOfConfigFile('tsconfig.json', {}, host);
const program = ts.createProgram(config?.fileNames ?? [], config?.options ?? {});
const faults = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
faults.forEach(report);
if (faults.length > 0) {
  process.exit(1);
}

for (const name of readdirSync('dist/esm', { recursive: true, encoding: 'utf8' })) {
  const target = join('dist/cjs', name);
  if (name.endsWith('.d.ts')) {
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join('dist/esm', name), target);
  } else if (name.endsWith('.js')) {
    mkdirSync(dirname(target), { recursive: true });
    const fileName = name.replace(/\.js$/, '.ts');
    const compilerOptions = { ...config?.options, module: ts.ModuleKind.CommonJS };
    const source = readFileSync(join('src', fileName), 'utf8');
    writeFileSync(target, ts.transpileModule(source, { compilerOptions, fileName }).outputText);
  }
}
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');

/** @param {ts.Diagnostic} fault */
function report(fault) {
  process.stderr.write(`${ts.flattenDiagnosticMessageText(fault.messageText, '\n')}\n`);
}
