/** The parts of the API, in the order of a reader who starts with it. */
export const apiTags: Readonly<Record<string, string>> = {
  Providers: 'The providers that users can link.',
  Links: 'Attempts to connect an account: start one, receive the callback, confirm it for the signed-in user.',
  Connections: 'Linked accounts: their status, their tokens, and their end.',
  Imports: 'Connections that another system has made, with their tokens.',
  Calls: "Calls of a provider's API with a token that the caller does not see, and signatures for OAuth 1.0a.",
  Events: 'Events of connections, as a stream and as deliveries to your endpoints.',
  Users: 'Export and erasure of all data about a user.',
  Hooks: 'Calls by providers, not by you: checks of a URL, and notifications.',
  Operation: 'For operators: audit trail, health and metrics.',
};
