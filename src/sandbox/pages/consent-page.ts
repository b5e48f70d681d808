import { html, type Html } from '../../web/html.js';
import type { FakeResponse } from '../http/fake-response.js';
import { pageResponse } from './page-response.js';

/** The content of the consent page. */
export interface ConsentPage {
  readonly slug: string;
  readonly displayName: string;
  readonly requestId: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly userPicksScopes: boolean;
  /** The account that the page proposes. */
  readonly account: string;
  /** Other accounts that this browser has used here. */
  readonly otherAccounts: readonly string[];
}

const style =
  'fieldset{border:0;padding:0;margin:1rem 0}input[type=checkbox]{min-height:0;width:1.25rem;height:1.25rem}';

/** Asks the person to approve or to deny, with a plain form that also works without JavaScript. */
export function consentPage(consent: ConsentPage): FakeResponse {
  const { slug, displayName, requestId, clientId, account } = consent;
  const content = html`<h1>${displayName}: share your data?</h1>
    <p><strong>${clientId}</strong> asks for access to an account at ${displayName}.</p>
    <form method="post" action="/${slug}/_consent">
      <input type="hidden" name="request" value="${requestId}" />
      <label for="account">Account number at ${displayName}</label>
      <input
        type="text"
        name="account"
        value="${account}"
        id="account"
        inputmode="numeric"
        autocomplete="off"
        aria-describedby="account-hint"
      />
      <p class="muted" id="account-hint">${accountHint(consent)}</p>
      ${consent.scopes.length > 0 && scopeList(consent)}
      <p class="row">
        <button type="submit" name="decision" value="approve">Approve</button>
        <button type="submit" name="decision" value="deny" class="quiet">Deny</button>
      </p>
    </form>`;
  return pageResponse({ title: `${displayName} (sandbox)`, content, style });
}

function accountHint({ account, otherAccounts }: ConsentPage): string {
  return otherAccounts.length === 0
    ? `Any number is an account here. ${account} is proposed.`
    : `${account} is proposed. To use an account of before, enter its number: ${otherAccounts.join(', ')}.`;
}

function scopeList({ scopes, userPicksScopes }: ConsentPage): Html {
  if (!userPicksScopes) {
    return html`<h2>It may use</h2>
      <ul>
        ${scopes.map((scope) => html`<li>${scope}</li>`)}
      </ul>`;
  }
  const boxes = scopes.map(
    (scope) =>
      html`<label class="row"><input type="checkbox" name="scope" value="${scope}" checked /> ${scope}</label>`,
  );
  // The empty field distinguishes a browser without a ticked box from a script without scopes.
  return html`<fieldset>
    <legend>It may use</legend>
    <input type="hidden" name="scope" value="" />
    ${boxes}
  </fieldset>`;
}
