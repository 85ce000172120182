#!/usr/bin/perl
# stub-server.pl PORT RULE...: an HTTP server that answers by rule, for tests of how others see a server.
#
# RULE is "PATH STATUS BODY". Of several rules for one path each answers once, in their order, and the last from then
# on; other paths get 404. STATUS "hang": no answer. STATUS "exit": the server ends with status BODY. Each request goes
# to standard output: "METHOD PATH AUTHORIZATION BODY".
use strict;
use warnings;
use IO::Socket::INET;

my ($port, @rules) = @ARGV;
my (%answers, @hung);
for (@rules) {
    my ($path, $status, $body) = split / /, $_, 3;
    push @{$answers{$path}}, [$status, $body // ''];
}
my $listener = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1', LocalPort => $port, ReuseAddr => 1)
    or die "cannot listen on $port: $!\n";
$| = 1;
while (my $peer = $listener->accept) {
    my $head = '';
    while (defined(my $line = <$peer>)) {
        last if $line =~ /^\r?$/;
        $head .= $line;
    }
    my ($method, $path) = $head =~ m{^(\S+) (\S+)} or next;
    my $sent = '';
    read $peer, $sent, $1 if $head =~ /^Content-Length: (\d+)/mi;
    print "$method $path ", $head =~ /^Authorization: (.*?)\r?$/mi ? $1 : '-', " $sent\n";
    my $mine = $answers{$path} || [[404, '']];
    my ($status, $body) = @{@$mine > 1 ? shift @$mine : $mine->[0]};
    exit $body if $status eq 'exit';
    push(@hung, $peer), next if $status eq 'hang';
    print $peer "HTTP/1.1 $status x\r\nContent-Length: ", length $body, "\r\nConnection: close\r\n\r\n$body";
}
