/* Preact with tagged templates: what is put in stays text */

import { h } from 'preact';
import htm from 'htm';

export const html = htm.bind(h);
