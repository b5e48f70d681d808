import { de } from './de.js';
import { en, type Texts } from './en.js';
import { es } from './es.js';
import { fr } from './fr.js';
import { ja } from './ja.js';

/** The texts of the pages, by BCP 47 tag. A language with a missing text does not compile. */
export const languages = { en, de, fr, es, ja } satisfies Record<string, Texts>;

/** BCP 47 tag of a language that the pages speak. */
export type LanguageTag = keyof typeof languages;
