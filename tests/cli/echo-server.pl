#!/usr/bin/perl
# echo-server.pl PORT FILE: an OpenAI-compatible chat server on 127.0.0.1 that writes the body of each request to FILE, a
# line each, as it came, and answers "re: " and the last message. What that message begins with may ask for more:
# "fail" for status 500, "reason" for reasoning alone, "tools" for a tool call alone.
use strict;
use warnings;
use IO::Socket::INET;
use JSON::PP;

my ($port, $path) = @ARGV;
my $listener = IO::Socket::INET->new(Listen => 128, LocalAddr => "127.0.0.1", LocalPort => $port, ReuseAddr => 1) or die "port $port: $!";
open my $log, ">>", $path or die "$path: $!";
$SIG{CHLD} = "IGNORE";
while (my $client = $listener->accept) {
    next if fork;
    while (defined(my $line = <$client>)) {
        my $length = 0;
        while (defined($line = <$client>) && $line =~ /\S/) { $length = $1 if $line =~ /^content-length:\s*(\d+)/i }
        read($client, my $body, $length) == $length or last;
        syswrite $log, "$body\n";
        my $asked = decode_json($body)->{messages}[-1]{content};
        my $message = {role => "assistant", content => "re: $asked"};
        $message = {role => "assistant", content => undef, reasoning_content => "hm"} if $asked =~ /^reason/;
        $message = {role => "assistant", content => undef, tool_calls => [{id => "c1", type => "function", function => {name => "f", arguments => "{}"}}]}
            if $asked =~ /^tools/;
        my $answer = JSON::PP->new->canonical->utf8->encode({choices => [{index => 0, finish_reason => "stop", message => $message}]});
        my $status = $asked =~ /^fail/ ? "500 No" : "200 OK";
        print $client "HTTP/1.1 $status\r\nContent-Type: application/json\r\nContent-Length: ", length $answer, "\r\n\r\n$answer";
        $client->flush;
    }
    exit;
}
