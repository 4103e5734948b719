package account

// Notice is the purpose of such a message.
const Notice Purpose = "notice"
