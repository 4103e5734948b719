package account

// BackupCodesPerUser bounds an import.
const BackupCodesPerUser = 20
