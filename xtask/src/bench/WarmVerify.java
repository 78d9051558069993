// Verifies packages with AOSP's apksig in one virtual machine. Arguments: how many rounds go before, then files. Prints the
// CPU seconds of one more round.

import com.android.apksig.ApkVerifier;
import com.sun.management.OperatingSystemMXBean;
import java.io.File;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;

public class WarmVerify {
    public static void main(String[] args) {
        PrintStream out = System.out;
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        for (int round = Integer.parseInt(args[0]); 0 < round; round--) {
            verify(args);
        }
        long before = system.getProcessCpuTime();
        verify(args);
        out.println((system.getProcessCpuTime() - before) / 1e9);
    }

    static void verify(String[] args) {
        for (int next = 1; next < args.length; next++) {
            try {
                new ApkVerifier.Builder(new File(args[next])).build().verify();
            } catch (Exception error) {
                // What it cannot verify is an answer, too.
            }
        }
    }
}
