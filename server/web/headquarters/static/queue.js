// Defects of all centres arrive without a poke at headquarters: the queue
// looks by itself while somebody sees it.
import { refresh } from '../shell/live.js';

setInterval(() => { if (!document.hidden) refresh(); }, 20000);
