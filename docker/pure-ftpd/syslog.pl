#!/usr/bin/perl
# Writes what arrives at a syslog socket to standard output: syslog.pl SOCKET. Pure-FTPd logs to syslog and nowhere else.
use strict;
use warnings;
use IO::Handle;
use IO::Socket::UNIX;

my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die "$ARGV[0]: $!\n";
STDOUT->autoflush(1);
while (defined $socket->recv(my $message, 8192)) {
    $message =~ s/^<\d+>//;
    $message =~ s/[\0\r\n]+\z//;
    print "$message\n";
}
