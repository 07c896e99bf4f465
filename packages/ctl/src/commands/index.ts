/** The command table: one list, from which the program, its help and its completion are made. */
import { APPROVE_COMMANDS } from './approve.js';
import { AUDIT_COMMANDS } from './audit.js';
import { BACKUP_COMMANDS } from './backup.js';
import type { Command } from './command.js';
import { CREDENTIAL_COMMANDS } from './credentials.js';
import { DOCTOR_COMMANDS } from './doctor.js';
import { GRANT_COMMANDS } from './grant.js';
import { INIT_COMMANDS } from './init.js';
import { MCP_COMMANDS } from './mcp.js';
import { LEASE_COMMANDS } from './leases.js';
import { PATH_COMMANDS } from './path.js';
import { POLICY_COMMANDS } from './policy.js';
import { ROLE_COMMANDS } from './role.js';
import { RUN_COMMANDS } from './run.js';
import { SERVICE_COMMANDS } from './service.js';
import { SESSION_COMMANDS } from './sessions.js';
import { STATUS_COMMANDS } from './status.js';
import { TOTP_COMMANDS } from './totp.js';
import { WATCH_COMMANDS } from './watch.js';

export const COMMANDS: readonly Command[] = [
  ...INIT_COMMANDS,
  ...TOTP_COMMANDS,
  ...SERVICE_COMMANDS,
  ...CREDENTIAL_COMMANDS,
  ...MCP_COMMANDS,
  ...APPROVE_COMMANDS,
  ...GRANT_COMMANDS,
  ...LEASE_COMMANDS,
  ...SESSION_COMMANDS,
  ...STATUS_COMMANDS,
  ...WATCH_COMMANDS,
  ...RUN_COMMANDS,
  ...AUDIT_COMMANDS,
  ...POLICY_COMMANDS,
  ...ROLE_COMMANDS,
  ...PATH_COMMANDS,
  ...BACKUP_COMMANDS,
  ...DOCTOR_COMMANDS,
];
