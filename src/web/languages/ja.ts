import type { Texts } from './en.js';

/** The texts of the pages in Japanese. */
export const ja: Texts = {
  direction: 'ltr',
  yourDevice: 'デバイス',
  backTo: (company) => (company === undefined ? 'アプリに戻る' : `${company}に戻る`),
  closePage: 'このページを閉じて、アプリに戻ってください。',
  reference: 'お問い合わせの際は、次の番号をお知らせください。',
  connectDevice: 'デバイスを連携する',
  connectOne: (provider) => `${provider}を連携する`,
  opening: 'サインインに使うブラウザーで続けてください。このリンクは一度だけ使えます。',
  continue: '続ける',
  choice: 'デバイスを選んでください。提供元のページでサインインし、共有する内容をそこで決められます。',
  yourDevices: 'お使いのデバイス',
  moreDevices: 'その他のデバイス',
  search: 'デバイスを検索',
  searchButton: '検索',
  showAll: 'すべてのデバイスを表示',
  nothingFound: (words) => `「${words}」というデバイスはありません。`,
  noDevices: '現在、ここで連携できるデバイスはありません。',
  connect: '連携する',
  reconnect: 'もう一度連携する',
  disconnect: '連携を解除',
  state: {
    connected: '連携中',
    needsLink: '連携が切れています。データの共有を続けるには、もう一度連携してください。',
    ended: '連携が切れています。提供元がこのサービスを終了しました。',
    outage: '現在、提供元に障害が起きています。連携できないことがあります。',
  },
  disconnectTitle: (provider) => `${provider}の連携を解除しますか？`,
  disconnectText: 'アプリは今後データを受け取りません。いつでもまた連携できます。',
  keep: '連携を続ける',
  outcomes: {
    connected: {
      title: (device) => `${device}を連携しました`,
      reason: 'データがアプリに届くようになりました。',
      advice: 'ここでの操作はこれで終わりです。',
    },
    disconnected: {
      title: (device) => `${device}の連携を解除しました`,
      reason: 'アプリはもうデータを読み取れません。',
      advice: 'いつでもまた連携できます。',
    },
    disconnectedHere: {
      title: (device) => `${device}の連携を解除しました`,
      reason: 'アプリはもうデータを読み取れませんが、提供元の一覧に残っていることがあります。',
      advice: '提供元でも削除するには、アカウントの連携アプリのページを開いてください。',
    },
    denied: {
      title: (device) => `${device}は連携されていません`,
      reason: 'データの共有が許可されませんでした。',
      advice: '連携する場合は、もう一度始めてください。',
    },
    linkEnded: {
      title: () => 'このリンクは使えません',
      reason: 'すでに使われたか、期限が切れたか、別のブラウザーで開かれました。',
      advice: '今連携したばかりであれば、問題ありません。そうでなければ、戻ってもう一度始めてください。',
    },
    sessionEnded: {
      title: () => 'このリンクは使えません',
      reason: '期限が切れたか、別のブラウザーで開かれました。',
      advice: 'アプリに戻り、新しいリンクを取得してください。',
    },
    alreadyLinked: {
      title: (device) => `${device}は連携されていません`,
      reason: 'このアカウントは、アプリの別の利用者がすでに連携しています。',
      advice: '先にそちらで解除するか、提供元で別のアカウントを使ってください。',
    },
    changedAccount: {
      title: (device) => `${device}は連携されていません`,
      reason: '以前とは別のアカウントでサインインしました。',
      advice: '同じアカウントでサインインするか、先に以前の連携を解除してください。',
    },
    providerDown: {
      title: (device) => `${device}を連携できませんでした`,
      reason: '現在、提供元から正しい応答がありません。',
      advice: '数分待ってから、もう一度お試しください。',
    },
    notAccepted: {
      title: (device) => `${device}を連携できませんでした`,
      reason: '提供元でサインインが完了しませんでした。時間がかかりすぎた可能性があります。',
      advice: 'もう一度始めてください。',
    },
    retired: {
      title: (device) => `${device}は連携できなくなりました`,
      reason: '提供元がこのサービスを終了しました。',
      advice: '別のデバイスを選んでください。',
    },
    otherUser: {
      title: (device) => `${device}は連携されていません`,
      reason: 'このリンクは別の利用者のものです。',
      advice: 'アプリに戻り、ご自分のリンクを取得してください。',
    },
    tooOften: {
      title: () => '試行回数が多すぎます',
      reason: '短い時間に何度も試されました。',
      advice: '1分ほど待ってから、もう一度お試しください。',
    },
    notFound: {
      title: () => 'ページが見つかりません',
      reason: 'アドレスが不完全か、もう使われていません。',
      advice: 'アプリに戻り、もう一度始めてください。',
    },
    ourFault: {
      title: () => 'うまくいきませんでした',
      reason: '原因はこちらにあり、お客様の操作ではありません。',
      advice: 'しばらくしてから、もう一度お試しください。',
    },
  },
};
