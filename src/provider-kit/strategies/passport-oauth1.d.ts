/** The part of passport-oauth1 that the kit uses; the package ships no types. */
declare module 'passport-oauth1' {
  import { Strategy } from 'passport';

  type TokenDone = (error: unknown, token?: string, tokenSecret?: string, extra?: unknown) => void;

  class OAuth1Strategy extends Strategy {
    constructor(options: OAuth1Strategy.Options, verify: OAuth1Strategy.Verify);
    override name: string;
    override authenticate(request: unknown, options?: object): void;
    protected _oauth: {
      getOAuthRequestToken(params: { oauth_callback: string }, done: TokenDone): void;
      getOAuthAccessToken(token: string, tokenSecret: string, verifier: string, done: TokenDone): void;
    };
  }

  namespace OAuth1Strategy {
    interface Options {
      requestTokenURL: string;
      accessTokenURL: string;
      userAuthorizationURL: string;
      consumerKey: string;
      consumerSecret: string;
      callbackURL: string;
      requestTokenStore: object;
      skipUserProfile: boolean;
    }
    type Verify = (...args: never[]) => void;
  }

  export default OAuth1Strategy;
}
