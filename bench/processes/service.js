// The service, as `dist/main.js` starts it in production; ends with the process that started it. Plain JavaScript, because what
// Node loads to strip types would count as the service's memory.
import { serve } from '../../dist/serve.js';

process.on('disconnect', () => process.exit(0));
await serve();
