import { AppError } from './app-error.js';

/** There is no webhook endpoint with this id. */
export class WebhookEndpointNotFoundError extends AppError {
  readonly code = 'WEBHOOK_ENDPOINT_NOT_FOUND';

  constructor() {
    super('There is no webhook endpoint with this id. List the endpoints to find its id.');
  }
}

/** Cufflink must not send anything to the URL of a webhook endpoint (NET-02). */
export class WebhookUrlNotAllowedError extends AppError {
  readonly code = 'WEBHOOK_URL_NOT_ALLOWED';

  /** @param objection - the fault of the URL, as the end of a sentence that begins with "It" */
  constructor(objection: string) {
    super(`No event can be sent to this URL. It ${objection}. Give a public https URL.`);
  }
}

/** There is no event with this id, or it is too old. */
export class EventNotFoundError extends AppError {
  readonly code = 'EVENT_NOT_FOUND';

  constructor() {
    super('There is no event with this id. Events are kept for 30 days.');
  }
}
