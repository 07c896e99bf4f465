/** The daemon that enforces leases, keeps the sealed vault and the audit log. */
export {};
