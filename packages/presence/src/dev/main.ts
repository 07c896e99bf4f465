/** airlock-presence of a development instance: AIRLOCK_DEV_OPERATOR_UID is the account of every operator. */
import { run } from '../start.js';

run((operators) => new Map([[Number(process.env['AIRLOCK_DEV_OPERATOR_UID'] ?? '1000'), operators]]));
