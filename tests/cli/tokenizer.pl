#!/usr/bin/perl
# tokenizer.pl vllm|llama.cpp PORT-FILE: /tokenize of a tokenizer with all the whims that one may have, for tests.
#
# A word is one token, but two where it is over six letters long. A text that begins with a vowel has one more. Where one word
# ends with "e" and the next begins with it, both are one. A text of over 70 words has 20 more. A special token stands in
# front, where it is asked for. The port, which is free, goes to PORT-FILE; each request's text to standard output.
use strict;
use warnings;
use IO::Socket::INET;

my ($kind, $port_file) = @ARGV;
my ($name, $special) = $kind eq 'vllm' ? ('prompt', 'add_special_tokens') : ('content', 'add_special');
my $listener = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1') or die "cannot listen: $!\n";
open my $out, '>', "$port_file.part" or die;
print $out $listener->sockport;
close $out;
rename "$port_file.part", $port_file;
$| = 1;

sub count {
    my @words = split / /, shift;
    my $count = grep { length > 6 } @words;
    $count += @words + (@words && $words[0] =~ /^[aeiou]/) + (@words > 70 ? 20 : 0);
    $count -= grep { $words[$_ - 1] =~ /e$/ && $words[$_] =~ /^e/ } 1 .. $#words;
    return $count;
}

while (my $peer = $listener->accept) {
    while (defined(my $line = <$peer>)) { # a connection may bring several requests
        my ($path, $length) = ($line =~ / (\S+) /, 0);
        while (defined($line = <$peer>) && $line !~ /^\r?$/) {
            $length = $1 if $line =~ /^Content-Length: (\d+)/i;
        }
        read $peer, my $body, $length;
        my $text = $body =~ /"$name":"([a-z ]*)"/ ? $1 : '';
        print "$text\n";
        my $count = count($text) + ($body =~ /"$special":true/);
        my $tokens = join ',', (7) x $count;
        my $answer = $kind eq 'vllm' ? qq({"count":$count,"max_model_len":4096,"tokens":[$tokens]}) : qq({"tokens":[$tokens]});
        print $peer "HTTP/1.1 200 OK\r\nContent-Length: ", length $answer, "\r\n\r\n$answer";
    }
}
