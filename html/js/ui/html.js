/* Preact with tagged templates: text stays text, there is no innerHTML */

import { h } from 'preact';
import htm from 'htm';

export const html = htm.bind(h);
