// The EVM of the ledger's chain, as a plugin of the node.
//
// The stock main asks for 32,768 open files and ends where the hard limit is lower.
package main

import (
	"context"
	"runtime/debug"

	"github.com/ava-labs/avalanchego/vms/rpcchainvm"
	"github.com/ava-labs/subnet-evm/plugin/evm"
)

// How much the heap may grow between two collections, per cent.  The node hands its plugins none of
// its environment, so GOGC would not arrive; at the default of 100 every block waits for some.
const heapGrowth = 400

func main() {
	debug.SetGCPercent(heapGrowth)
	rpcchainvm.Serve(context.Background(), &evm.VM{})
}
