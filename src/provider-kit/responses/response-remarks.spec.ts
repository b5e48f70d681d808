import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ResponseRemarks } from './response-remarks.js';
import { exampleOAuth2 } from '../testing/example-definition.js';

const other = { ...exampleOAuth2, slug: 'other', displayName: 'Other' };

afterEach(() => {
  jest.restoreAllMocks();
});

describe('ResponseRemarks', () => {
  it('logs each oddity once for each provider (TE-04)', () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const remarks = new ResponseRemarks();
    for (let response = 0; response < 3; response += 1) {
      remarks.add(exampleOAuth2, 'no-token-type');
      remarks.add(exampleOAuth2, 'scopes-unreadable');
      remarks.add(other, 'no-token-type');
    }
    expect(warn.mock.calls.map(([text]) => (text as string).split(' has ')[0])).toEqual([
      'The token response of Example',
      'The token response of Example',
      'The token response of Other',
    ]);
    expect(remarks.all).toEqual(['example no-token-type', 'example scopes-unreadable', 'other no-token-type']);
  });

  it('logs an account id that cannot be read as an error of Cufflink (TE-04)', () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    new ResponseRemarks().add(exampleOAuth2, 'account-unreadable');
    expect(error).toHaveBeenCalledTimes(1);
    expect(error).toHaveBeenCalledWith(expect.stringContaining('Please report this as a bug'));
  });
});
