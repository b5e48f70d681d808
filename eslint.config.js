import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/dist/', 'node_modules/', 'coverage/', '.cufflink/', 'clients/typescript/src/generated/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/consistent-type-imports': 'off',
      'no-restricted-imports': 'off',
    },
  },
  {
    // Ciphers live in one folder, so that one review covers every use of them (CR-02).
    files: ['src/**/*.ts'],
    ignores: ['src/vault/**', 'src/**/*.spec.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ImportSpecifier[imported.name=/^create(Cipher|Decipher)iv$|^hkdf/]',
          message: 'Only src/vault may use ciphers and key derivation.',
        },
      ],
    },
  },
  {
    // Settings are read and checked in one kind of file, so that a typing error fails the boot and not a request.
    files: ['src/**/*.ts'],
    ignores: [
      'src/**/*.config.ts',
      'src/**/*.spec.ts',
      'src/main.ts',
      'src/config/debug-signal.ts',
      'src/development/**',
      'src/cli/**',
    ],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Read the environment in a *.config.ts file.' },
      ],
    },
  },
  {
    files: ['**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
