/** An outcome that has words of its own. */
export type OutcomeName =
  | 'connected'
  | 'disconnected'
  | 'disconnectedHere'
  | 'denied'
  | 'linkEnded'
  | 'sessionEnded'
  | 'alreadyLinked'
  | 'changedAccount'
  | 'providerDown'
  | 'notAccepted'
  | 'retired'
  | 'otherUser'
  | 'tooOften'
  | 'notFound'
  | 'ourFault';

/** The text of a page for one outcome: the event, its cause, and the next step. */
export interface OutcomeText {
  /** @param device - a provider's name, or {@link Texts.yourDevice} */
  readonly title: (device: string) => string;
  readonly reason: string;
  readonly advice: string;
}

const outcomes: Readonly<Record<OutcomeName, OutcomeText>> = {
  connected: {
    title: (device) => `${device} is connected`,
    reason: 'Your data can now reach the application.',
    advice: 'You have nothing else to do here.',
  },
  disconnected: {
    title: (device) => `${device} is disconnected`,
    reason: 'The application can no longer read your data there.',
    advice: 'You can connect it again at any time.',
  },
  disconnectedHere: {
    title: (device) => `${device} is disconnected`,
    reason: 'The application can no longer read your data there, but the provider may still list it.',
    advice: 'To remove it there too, open the connected apps in your account at the provider.',
  },
  denied: {
    title: (device) => `${device} is not connected`,
    reason: 'You declined to share your data.',
    advice: 'Start again if you change your mind.',
  },
  linkEnded: {
    title: () => 'This link no longer works',
    reason: 'It was used already, has expired, or was opened in another browser.',
    advice: 'If you have just connected your device, all is well. Otherwise go back and start again.',
  },
  sessionEnded: {
    title: () => 'This link no longer works',
    reason: 'It has expired, or was opened in another browser.',
    advice: 'Go back to the application and ask for a new link.',
  },
  alreadyLinked: {
    title: (device) => `${device} is not connected`,
    reason: 'Another user of the application has already connected this account.',
    advice: 'Disconnect it there first, or sign in at the provider with another account.',
  },
  changedAccount: {
    title: (device) => `${device} is not connected`,
    reason: 'You signed in with another account than before.',
    advice: 'Sign in with the same account, or disconnect the old one first.',
  },
  providerDown: {
    title: (device) => `${device} could not be connected`,
    reason: 'The provider does not respond as it should at the moment.',
    advice: 'Try again in a few minutes.',
  },
  notAccepted: {
    title: (device) => `${device} could not be connected`,
    reason: 'The provider did not complete the sign-in. That can happen if it took too long.',
    advice: 'Start again.',
  },
  retired: {
    title: (device) => `${device} can no longer be connected`,
    reason: 'The provider has shut down this service.',
    advice: 'Choose another device.',
  },
  otherUser: {
    title: (device) => `${device} is not connected`,
    reason: 'The link was made for another user.',
    advice: 'Go back to the application and start a link of your own.',
  },
  tooOften: {
    title: () => 'Too many attempts',
    reason: 'There were too many attempts in a short time.',
    advice: 'Wait a minute and try again.',
  },
  notFound: {
    title: () => 'There is no such page',
    reason: 'The address is not complete, or no longer in use.',
    advice: 'Go back to the application and start again.',
  },
  ourFault: {
    title: () => 'This did not work',
    reason: 'The fault is on our side, not on yours.',
    advice: 'Try again later.',
  },
};

/** The texts of the pages in English. The other languages have the same. */
export const en = {
  direction: 'ltr' as 'ltr' | 'rtl',
  yourDevice: 'Your device',
  backTo: (company: string | undefined) => (company === undefined ? 'Back to the application' : `Back to ${company}`),
  closePage: 'You can close this page and go back to the application.',
  reference: 'If you ask for help, name this reference:',
  connectDevice: 'Connect a device',
  connectOne: (provider: string) => `Connect ${provider}`,
  opening: 'Continue in the browser where you want to sign in. This link works once.',
  continue: 'Continue',
  choice: 'Choose your device. You sign in at its provider and decide there what to share.',
  yourDevices: 'Your devices',
  moreDevices: 'More devices',
  search: 'Search for a device',
  searchButton: 'Search',
  showAll: 'Show all devices',
  nothingFound: (words: string) => `No device is called “${words}”.`,
  noDevices: 'No device can be connected here at the moment.',
  connect: 'Connect',
  reconnect: 'Connect again',
  disconnect: 'Disconnect',
  state: {
    connected: 'Connected',
    needsLink: 'No longer connected. Connect it again to go on sharing data.',
    ended: 'No longer connected. The provider has shut down this service.',
    outage: 'The service has problems at the moment. Connecting may fail.',
  },
  disconnectTitle: (provider: string) => `Disconnect ${provider}?`,
  disconnectText: 'The application will receive no further data from it. You can connect it again at any time.',
  keep: 'Keep it connected',
  outcomes,
};

export type Texts = typeof en;
