// The EVM of the ledger's chain, as a plugin of the node.
//
// The stock main asks for 32,768 open files and ends where the hard limit is lower.
package main

import (
	"context"

	"github.com/ava-labs/avalanchego/vms/rpcchainvm"
	"github.com/ava-labs/subnet-evm/plugin/evm"
)

func main() {
	rpcchainvm.Serve(context.Background(), &evm.VM{})
}
