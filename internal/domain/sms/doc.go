// Package sms sends one-time codes by SMS. It decides on every SMS that leaves, and counts the
// codes that come back.
//
// # A code is sent
//
//	mfa.PrepareSecondFactor     the operation: chooses the phone and the challenge
//	  SendCode                  code.go: stores the code's keyed hash in the challenge
//	    Authorize               guard.go: checks the rates, stages quotas, price and decision
//	  tx.Engine.Update          reserves the quotas, then makes one commit of all that was staged
//	    decision.limitReached   guard.go: only if a quota is at its limit
//	  Send                      code.go: after the commit, one call to the network
//
// # A code is used
//
//	mfa.AttemptSecondFactor     the operation: finds the sign-in and its user
//	  mfa.VerifySecondFactor    checks the failure counters
//	    Consume                 code.go: compares, and clears the challenge
//	      countVerified         counters.go: lowers the quotas of the message, after the commit
//	  tx.Engine.Update          one commit of all that was staged
//
// # The counters of unverified messages
//
// A message adds 1 to the counters of its block of numbers, its country and the instance in a
// clock hour. Its code, once used, takes 5 off the same counters. A number takes off 5 once a UTC
// day and 1 afterwards, because one SIM that verifies again and again must not make room for
// others. So at most limit + 4 × (numbers that verified) + (messages that were verified) leave in
// an hour. Past the limit, sending stops unless one number in five verifies. An attacker who reads
// no codes, or those of one SIM, is capped at the limit.
//
// The limit of an hour is that of the settings and one more for each four numbers that verified in
// the hour before. Example: 4,800 numbers verified from 10 to 11 o'clock. From 11 o'clock the
// instance sends 50 + 1,200 unverified messages before it stops. No message reads the past hour
// before the limit of the settings is reached; then a process reads it once.
//
// # A counter that holds a time
//
// Neither sending nor verifying reads the record of a decision. So the time at which a code was
// used is a counter named after the record. Example: the code of message "m1" is used at 12:00:40
// UTC on 27 November 2026. The commit that accepts the code adds
// 1795780840000, the Unix time in milliseconds, to the counter "sms:used:m1". A code works once, so
// the sum is the time. [Service.Log] reads the counters of a page in one request. An update of the
// record instead would cost a read and a rewrite of the whole record per code.
//
// # Reservations that fail at a milestone
//
// Operators are told when 50, 80 and 100 % of the day's money is spent. No message reads the sum
// to find out: the quota's Max is the next milestone, and the store refuses what would exceed it.
// Example with a daily limit of $20:
//
//	spent $9.95, price $0.10, Max $10   the store refuses: the sum would be $10.05
//	                                    the process publishes sms.spent_50 and sets Max to $16
//	spent $9.95, price $0.10, Max $16   reserved; the process keeps $16 for the next messages
//
// The milestone of 100 % is the limit: the message is refused. A process pays three refused
// requests a day at most, and each process publishes a milestone once.
package sms
