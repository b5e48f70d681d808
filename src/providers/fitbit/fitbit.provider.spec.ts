import { describe, expect, it } from '@jest/globals';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { parseFitbitErrorCode } from './fitbit-error.js';
import { fitbitDefinition } from './fitbit.definition.js';

describeProviderContract(fitbitDefinition);

describe('parseFitbitErrorCode', () => {
  it('reads the type of the first error and nothing of its message', () => {
    const body = {
      errors: [{ errorType: 'invalid_grant', message: 'Refresh token invalid: not-a-real-token' }],
      success: false,
    };
    expect(parseFitbitErrorCode(body)).toBe('invalid_grant');
  });

  it.each([undefined, null, 'text', {}, { errors: [] }, { errors: 'invalid_grant' }, { errors: [{ message: 'x' }] }])(
    'finds no code in %j',
    (body) => {
      expect(parseFitbitErrorCode(body)).toBeUndefined();
    },
  );
});
