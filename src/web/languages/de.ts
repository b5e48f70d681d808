import type { Texts } from './en.js';

/** The texts of the pages in German. */
export const de: Texts = {
  direction: 'ltr',
  yourDevice: 'Ihr Gerät',
  backTo: (company) => (company === undefined ? 'Zurück zur Anwendung' : `Zurück zu ${company}`),
  closePage: 'Sie können diese Seite schließen und zur Anwendung zurückkehren.',
  reference: 'Wenn Sie um Hilfe bitten, nennen Sie dieses Zeichen:',
  connectDevice: 'Gerät verbinden',
  connectOne: (provider) => `${provider} verbinden`,
  opening: 'Fahren Sie in dem Browser fort, in dem Sie sich anmelden möchten. Dieser Link gilt einmal.',
  continue: 'Weiter',
  choice: 'Wählen Sie Ihr Gerät. Sie melden sich beim Anbieter an und entscheiden dort, was Sie freigeben.',
  yourDevices: 'Ihre Geräte',
  moreDevices: 'Weitere Geräte',
  search: 'Gerät suchen',
  searchButton: 'Suchen',
  showAll: 'Alle Geräte anzeigen',
  nothingFound: (words) => `Kein Gerät heißt „${words}“.`,
  noDevices: 'Zurzeit kann hier kein Gerät verbunden werden.',
  connect: 'Verbinden',
  reconnect: 'Erneut verbinden',
  disconnect: 'Trennen',
  state: {
    connected: 'Verbunden',
    needsLink: 'Nicht mehr verbunden. Verbinden Sie es erneut, um weiter Daten freizugeben.',
    ended: 'Nicht mehr verbunden. Der Anbieter hat diesen Dienst eingestellt.',
    outage: 'Der Dienst ist zurzeit gestört. Das Verbinden kann fehlschlagen.',
  },
  disconnectTitle: (provider) => `${provider} trennen?`,
  disconnectText: 'Die Anwendung erhält dann keine weiteren Daten. Sie können das Gerät jederzeit wieder verbinden.',
  keep: 'Verbunden lassen',
  outcomes: {
    connected: {
      title: (device) => `${device} ist verbunden`,
      reason: 'Ihre Daten können nun die Anwendung erreichen.',
      advice: 'Hier ist nichts weiter zu tun.',
    },
    disconnected: {
      title: (device) => `${device} ist getrennt`,
      reason: 'Die Anwendung kann Ihre Daten dort nicht mehr lesen.',
      advice: 'Sie können das Gerät jederzeit wieder verbinden.',
    },
    disconnectedHere: {
      title: (device) => `${device} ist getrennt`,
      reason: 'Die Anwendung kann Ihre Daten dort nicht mehr lesen. Der Anbieter führt sie aber vielleicht noch auf.',
      advice: 'Um sie auch dort zu entfernen, öffnen Sie die verbundenen Apps in Ihrem Konto beim Anbieter.',
    },
    denied: {
      title: (device) => `${device} ist nicht verbunden`,
      reason: 'Sie haben die Freigabe Ihrer Daten abgelehnt.',
      advice: 'Beginnen Sie von vorn, wenn Sie es sich anders überlegen.',
    },
    linkEnded: {
      title: () => 'Dieser Link gilt nicht mehr',
      reason: 'Er wurde schon benutzt, ist abgelaufen oder wurde in einem anderen Browser geöffnet.',
      advice: 'Wenn Sie Ihr Gerät gerade verbunden haben, ist alles in Ordnung. Sonst beginnen Sie von vorn.',
    },
    sessionEnded: {
      title: () => 'Dieser Link gilt nicht mehr',
      reason: 'Er ist abgelaufen oder wurde in einem anderen Browser geöffnet.',
      advice: 'Kehren Sie zur Anwendung zurück und fordern Sie einen neuen Link an.',
    },
    alreadyLinked: {
      title: (device) => `${device} ist nicht verbunden`,
      reason: 'Eine andere Person hat dieses Konto in der Anwendung schon verbunden.',
      advice: 'Trennen Sie es zuerst dort, oder melden Sie sich beim Anbieter mit einem anderen Konto an.',
    },
    changedAccount: {
      title: (device) => `${device} ist nicht verbunden`,
      reason: 'Sie haben sich mit einem anderen Konto angemeldet als zuvor.',
      advice: 'Melden Sie sich mit demselben Konto an, oder trennen Sie zuerst das alte.',
    },
    providerDown: {
      title: (device) => `${device} konnte nicht verbunden werden`,
      reason: 'Der Anbieter antwortet zurzeit nicht wie erwartet.',
      advice: 'Versuchen Sie es in einigen Minuten erneut.',
    },
    notAccepted: {
      title: (device) => `${device} konnte nicht verbunden werden`,
      reason: 'Der Anbieter hat die Anmeldung nicht abgeschlossen. Vielleicht hat sie zu lange gedauert.',
      advice: 'Beginnen Sie von vorn.',
    },
    retired: {
      title: (device) => `${device} kann nicht mehr verbunden werden`,
      reason: 'Der Anbieter hat diesen Dienst eingestellt.',
      advice: 'Wählen Sie ein anderes Gerät.',
    },
    otherUser: {
      title: (device) => `${device} ist nicht verbunden`,
      reason: 'Der Link war für eine andere Person bestimmt.',
      advice: 'Kehren Sie zur Anwendung zurück und fordern Sie einen eigenen Link an.',
    },
    tooOften: {
      title: () => 'Zu viele Versuche',
      reason: 'Es gab in kurzer Zeit zu viele Versuche.',
      advice: 'Warten Sie eine Minute, und versuchen Sie es erneut.',
    },
    notFound: {
      title: () => 'Diese Seite gibt es nicht',
      reason: 'Die Adresse ist unvollständig oder nicht mehr in Gebrauch.',
      advice: 'Kehren Sie zur Anwendung zurück und beginnen Sie von vorn.',
    },
    ourFault: {
      title: () => 'Das hat nicht geklappt',
      reason: 'Der Fehler liegt bei uns, nicht bei Ihnen.',
      advice: 'Versuchen Sie es später erneut.',
    },
  },
};
