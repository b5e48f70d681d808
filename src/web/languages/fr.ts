import type { Texts } from './en.js';

/** The texts of the pages in French. */
export const fr: Texts = {
  direction: 'ltr',
  yourDevice: 'Votre appareil',
  backTo: (company) => (company === undefined ? 'Retour à l’application' : `Retour à ${company}`),
  closePage: 'Vous pouvez fermer cette page et revenir à l’application.',
  reference: 'Si vous demandez de l’aide, donnez cette référence :',
  connectDevice: 'Associer un appareil',
  connectOne: (provider) => `Associer ${provider}`,
  opening: 'Continuez dans le navigateur où vous voulez vous connecter. Ce lien sert une seule fois.',
  continue: 'Continuer',
  choice: 'Choisissez votre appareil. Vous vous identifiez chez son fournisseur et décidez là-bas quoi partager.',
  yourDevices: 'Vos appareils',
  moreDevices: 'Autres appareils',
  search: 'Rechercher un appareil',
  searchButton: 'Rechercher',
  showAll: 'Afficher tous les appareils',
  nothingFound: (words) => `Aucun appareil ne s’appelle « ${words} ».`,
  noDevices: 'Aucun appareil ne peut être associé ici pour le moment.',
  connect: 'Associer',
  reconnect: 'Associer à nouveau',
  disconnect: 'Dissocier',
  state: {
    connected: 'Associé',
    needsLink: 'N’est plus associé. Associez-le à nouveau pour continuer à partager vos données.',
    ended: 'N’est plus associé. Le fournisseur a fermé ce service.',
    outage: 'Le service est perturbé en ce moment. L’association peut échouer.',
  },
  disconnectTitle: (provider) => `Dissocier ${provider} ?`,
  disconnectText: 'L’application ne recevra plus de données. Vous pourrez l’associer à nouveau à tout moment.',
  keep: 'Garder l’association',
  outcomes: {
    connected: {
      title: (device) => `${device} : association réussie`,
      reason: 'Vos données peuvent maintenant parvenir à l’application.',
      advice: 'Vous n’avez rien d’autre à faire ici.',
    },
    disconnected: {
      title: (device) => `${device} : association supprimée`,
      reason: 'L’application ne peut plus y lire vos données.',
      advice: 'Vous pouvez l’associer à nouveau à tout moment.',
    },
    disconnectedHere: {
      title: (device) => `${device} : association supprimée`,
      reason: 'L’application ne peut plus y lire vos données, mais le fournisseur peut encore l’afficher.',
      advice: 'Pour la retirer là aussi, ouvrez les applications associées de votre compte chez le fournisseur.',
    },
    denied: {
      title: (device) => `${device} : pas d’association`,
      reason: 'Vous avez refusé de partager vos données.',
      advice: 'Recommencez si vous changez d’avis.',
    },
    linkEnded: {
      title: () => 'Ce lien ne fonctionne plus',
      reason: 'Il a déjà servi, a expiré ou a été ouvert dans un autre navigateur.',
      advice: 'Si vous venez d’associer votre appareil, tout va bien. Sinon, revenez en arrière et recommencez.',
    },
    sessionEnded: {
      title: () => 'Ce lien ne fonctionne plus',
      reason: 'Il a expiré ou a été ouvert dans un autre navigateur.',
      advice: 'Revenez à l’application et demandez un nouveau lien.',
    },
    alreadyLinked: {
      title: (device) => `${device} : pas d’association`,
      reason: 'Une autre personne a déjà associé ce compte dans l’application.',
      advice: 'Dissociez-le d’abord là-bas, ou identifiez-vous chez le fournisseur avec un autre compte.',
    },
    changedAccount: {
      title: (device) => `${device} : pas d’association`,
      reason: 'Vous vous êtes identifié avec un autre compte qu’auparavant.',
      advice: 'Identifiez-vous avec le même compte, ou dissociez d’abord l’ancien.',
    },
    providerDown: {
      title: (device) => `${device} : l’association a échoué`,
      reason: 'Le fournisseur ne répond pas correctement en ce moment.',
      advice: 'Réessayez dans quelques minutes.',
    },
    notAccepted: {
      title: (device) => `${device} : l’association a échoué`,
      reason: 'Le fournisseur n’a pas terminé l’identification. Elle a peut-être duré trop longtemps.',
      advice: 'Recommencez.',
    },
    retired: {
      title: (device) => `${device} : l’association n’est plus possible`,
      reason: 'Le fournisseur a fermé ce service.',
      advice: 'Choisissez un autre appareil.',
    },
    otherUser: {
      title: (device) => `${device} : pas d’association`,
      reason: 'Le lien était destiné à une autre personne.',
      advice: 'Revenez à l’application et demandez votre propre lien.',
    },
    tooOften: {
      title: () => 'Trop de tentatives',
      reason: 'Il y a eu trop de tentatives en peu de temps.',
      advice: 'Attendez une minute et réessayez.',
    },
    notFound: {
      title: () => 'Cette page n’existe pas',
      reason: 'L’adresse est incomplète ou n’est plus utilisée.',
      advice: 'Revenez à l’application et recommencez.',
    },
    ourFault: {
      title: () => 'Cela n’a pas fonctionné',
      reason: 'L’erreur vient de nous, pas de vous.',
      advice: 'Réessayez plus tard.',
    },
  },
};
