import type { Texts } from './en.js';

/** The texts of the pages in Spanish. */
export const es: Texts = {
  direction: 'ltr',
  yourDevice: 'Su dispositivo',
  backTo: (company) => (company === undefined ? 'Volver a la aplicación' : `Volver a ${company}`),
  closePage: 'Puede cerrar esta página y volver a la aplicación.',
  reference: 'Si pide ayuda, indique esta referencia:',
  connectDevice: 'Conectar un dispositivo',
  connectOne: (provider) => `Conectar ${provider}`,
  opening: 'Continúe en el navegador en el que quiere iniciar sesión. Este enlace sirve una sola vez.',
  continue: 'Continuar',
  choice: 'Elija su dispositivo. Inicia sesión con su proveedor y allí decide qué compartir.',
  yourDevices: 'Sus dispositivos',
  moreDevices: 'Más dispositivos',
  search: 'Buscar un dispositivo',
  searchButton: 'Buscar',
  showAll: 'Mostrar todos los dispositivos',
  nothingFound: (words) => `Ningún dispositivo se llama «${words}».`,
  noDevices: 'Por ahora no se puede conectar aquí ningún dispositivo.',
  connect: 'Conectar',
  reconnect: 'Volver a conectar',
  disconnect: 'Desconectar',
  state: {
    connected: 'Conectado',
    needsLink: 'Ya no está conectado. Conéctelo de nuevo para seguir compartiendo datos.',
    ended: 'Ya no está conectado. El proveedor ha cerrado este servicio.',
    outage: 'El servicio tiene problemas en este momento. La conexión puede fallar.',
  },
  disconnectTitle: (provider) => `¿Desconectar ${provider}?`,
  disconnectText: 'La aplicación no recibirá más datos. Puede conectarlo de nuevo cuando quiera.',
  keep: 'Mantener la conexión',
  outcomes: {
    connected: {
      title: (device) => `${device} está conectado`,
      reason: 'Sus datos ya pueden llegar a la aplicación.',
      advice: 'No tiene que hacer nada más aquí.',
    },
    disconnected: {
      title: (device) => `${device} está desconectado`,
      reason: 'La aplicación ya no puede leer sus datos allí.',
      advice: 'Puede conectarlo de nuevo cuando quiera.',
    },
    disconnectedHere: {
      title: (device) => `${device} está desconectado`,
      reason: 'La aplicación ya no puede leer sus datos allí, pero es posible que el proveedor aún la muestre.',
      advice: 'Para quitarla también allí, abra las aplicaciones conectadas de su cuenta del proveedor.',
    },
    denied: {
      title: (device) => `${device} no está conectado`,
      reason: 'Usted rechazó compartir sus datos.',
      advice: 'Empiece de nuevo si cambia de opinión.',
    },
    linkEnded: {
      title: () => 'Este enlace ya no sirve',
      reason: 'Ya se usó, ha caducado o se abrió en otro navegador.',
      advice: 'Si acaba de conectar su dispositivo, todo está bien. Si no, vuelva y empiece de nuevo.',
    },
    sessionEnded: {
      title: () => 'Este enlace ya no sirve',
      reason: 'Ha caducado o se abrió en otro navegador.',
      advice: 'Vuelva a la aplicación y pida un enlace nuevo.',
    },
    alreadyLinked: {
      title: (device) => `${device} no está conectado`,
      reason: 'Otra persona ya ha conectado esta cuenta en la aplicación.',
      advice: 'Desconéctela primero allí, o inicie sesión con el proveedor usando otra cuenta.',
    },
    changedAccount: {
      title: (device) => `${device} no está conectado`,
      reason: 'Ha iniciado sesión con una cuenta distinta de la anterior.',
      advice: 'Inicie sesión con la misma cuenta, o desconecte primero la anterior.',
    },
    providerDown: {
      title: (device) => `No se pudo conectar ${device}`,
      reason: 'El proveedor no responde correctamente en este momento.',
      advice: 'Inténtelo de nuevo en unos minutos.',
    },
    notAccepted: {
      title: (device) => `No se pudo conectar ${device}`,
      reason: 'El proveedor no completó el inicio de sesión. Puede que haya tardado demasiado.',
      advice: 'Empiece de nuevo.',
    },
    retired: {
      title: (device) => `Ya no se puede conectar ${device}`,
      reason: 'El proveedor ha cerrado este servicio.',
      advice: 'Elija otro dispositivo.',
    },
    otherUser: {
      title: (device) => `${device} no está conectado`,
      reason: 'El enlace era para otra persona.',
      advice: 'Vuelva a la aplicación y pida un enlace propio.',
    },
    tooOften: {
      title: () => 'Demasiados intentos',
      reason: 'Hubo demasiados intentos en poco tiempo.',
      advice: 'Espere un minuto e inténtelo de nuevo.',
    },
    notFound: {
      title: () => 'Esta página no existe',
      reason: 'La dirección está incompleta o ya no se usa.',
      advice: 'Vuelva a la aplicación y empiece de nuevo.',
    },
    ourFault: {
      title: () => 'No ha funcionado',
      reason: 'El error es nuestro, no suyo.',
      advice: 'Inténtelo más tarde.',
    },
  },
};
