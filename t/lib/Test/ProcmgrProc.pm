package Test::ProcmgrProc;

# Processes of a test's own, of any user, that end with it.  Core Perl.
#
#   my $p = spawn(user => 'nobody', code => sub { ...; return 'ready' });
#   $p->{pid} $p->{said}
#   my $value = python('import psutil; print(json.dumps(...))');

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use JSON::PP;
use POSIX ();

our @EXPORT = qw(spawn end apart python as_root);

my %RUNNING;

sub as_root { $> == 0 }

# code runs in the child; what it returns is said; then the child waits

sub spawn {
    my (%o) = @_;

    pipe my $from, my $to or die "pipe: $!";
    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        close $from;
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);

        if (defined $o{user} && $> == 0) {
            my (undef, undef, $uid, $gid) = getpwnam $o{user};
            POSIX::_exit(1) if !defined $uid;
            $( = $) = "$gid $gid";
            POSIX::setuid($uid) or POSIX::_exit(1);
        }

        my $said = eval { $o{code} ? $o{code}->() : '' };
        POSIX::_exit(1) if !defined $said;

        syswrite $to, "$said\n";
        close $to;
        1 while sleep 600;
        POSIX::_exit(0);
    }

    close $to;
    $RUNNING{$pid} = $$;
    my $said = <$from>;
    die "the process of the test did not start\n" if !defined $said;
    chomp $said;

    return { pid => $pid, said => $said };
}

sub end {
    for my $pid (map { ref $_ ? $_->{pid} : $_ } @_) {
        next if ($RUNNING{$pid} // 0) != $$;
        kill 'KILL', $pid;
        waitpid $pid, 0;
        delete $RUNNING{$pid};
    }
}

# code of a process that has another below it, the first one of other process
# numbers, mounts and networks, with a file in $dir/own: its number out here
# and its port, or "none none"

sub apart {
    my ($dir) = @_;

    mkdir "$dir/own";
    syscall(272, 0x60020000) == 0 or return 'none none';
    pipe my $from, my $to or die;
    my $child = fork() // return 'none none';

    if (!$child) {
        syscall 157, 1, 9, 0, 0, 0;
        close $from;
        system('mount --make-rprivate / && mount -t tmpfs none '
            . "'$dir/own' 2> /dev/null") == 0 or POSIX::_exit(1);
        chdir "$dir/own";
        open my $inside, '>', "$dir/own/inside" or POSIX::_exit(1);
        my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => '0.0.0.0')
            or POSIX::_exit(1);
        syswrite $to, $l->sockport . "\n";
        close $to;
        1 while sleep 600;
        POSIX::_exit(0);
    }

    close $to;
    my $port = <$from>;
    return 'none none' if !defined $port;
    chomp $port;
    return "$child $port";
}

# the value that a program of Debian's Python prints as JSON, or undef where
# there is none, or no psutil

sub python {
    my ($program, @args) = @_;

    return undef if !-x '/usr/bin/python3';

    open my $out, '-|', '/usr/bin/python3', '-c',
        "import json, sys\n$program", @args or return undef;
    local $/;
    my $text = <$out>;
    close $out or return undef;

    # a byte that is no text is half of a pair there

    $text =~ s/\\udc[89a-f][0-9a-f]/\\ufffd/g;

    return JSON::PP->new->utf8->allow_nonref->decode($text);
}

END {
    my $status = $?;
    end(keys %RUNNING);
    $? = $status;
}

1;
